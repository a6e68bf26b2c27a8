#pragma once

// Abseil has these only from 20260526 on.
#define RAGPIPE_RETURN_IF_ERROR(expression)                                  \
  do {                                                                       \
    if (absl::Status ragpipe_status = (expression); !ragpipe_status.ok()) { \
      return ragpipe_status;                                                 \
    }                                                                        \
  } while (false)

#define RAGPIPE_ASSIGN_OR_RETURN(lhs, expression) \
  RAGPIPE_ASSIGN_OR_RETURN_IMPL(RAGPIPE_CONCAT(ragpipe_or_, __LINE__), lhs, expression)

#define RAGPIPE_ASSIGN_OR_RETURN_IMPL(variable, lhs, expression) \
  auto variable = (expression);                                  \
  if (!variable.ok()) {                                          \
    return std::move(variable).status();                         \
  }                                                              \
  lhs = *std::move(variable)

#define RAGPIPE_CONCAT(a, b) RAGPIPE_CONCAT_IMPL(a, b)
#define RAGPIPE_CONCAT_IMPL(a, b) a##b
