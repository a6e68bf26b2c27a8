#pragma once

#include <string_view>

namespace ragpipe::fs {

/// The media type that the extension of `path` stands for, in any case; "text/plain" for none or an unknown one.
/// Empty for the extensions of well-known binary formats (images, audio, video, archives, programs, office files, fonts,
/// databases, model weights), which are no text.
std::string_view MediaTypeOf(std::string_view path);

}  // namespace ragpipe::fs
