#include "ragpipe/default_model/default_model.h"

#include <absl/status/statusor.h>

#include <string_view>

#include "ragpipe/embed/static_embedder.h"

#if !defined(__ELF__)
#error "ragpipe::default_model puts its data into ELF objects; build with RAGPIPE_DEFAULT_MODEL=OFF on other systems"
#endif

// The linker carries the files: a byte array of this size in C++ takes compilers minutes.
#define RAGPIPE_EMBED_FILE(symbol, file)                   \
  __asm__(".pushsection .rodata." symbol                   \
          ",\"a\",%progbits\n"                             \
          ".balign 64\n"                                   \
          ".globl " symbol                                 \
          "_begin\n"                                       \
          ".hidden " symbol "_begin\n" symbol              \
          "_begin:\n"                                      \
          ".incbin \"" RAGPIPE_DEFAULT_MODEL_DATA "/" file \
          "\"\n"                                           \
          ".globl " symbol                                 \
          "_end\n"                                         \
          ".hidden " symbol "_end\n" symbol                \
          "_end:\n"                                        \
          ".popsection\n")

RAGPIPE_EMBED_FILE("ragpipe_default_model_safetensors", "model.safetensors");
RAGPIPE_EMBED_FILE("ragpipe_default_model_tokenizer", "tokenizer.json");
RAGPIPE_EMBED_FILE("ragpipe_default_model_config", "config.json");

extern "C" {
#define RAGPIPE_EMBEDDED_FILE(symbol)                                       \
  extern __attribute__((visibility("hidden"))) const char symbol##_begin[]; \
  extern __attribute__((visibility("hidden"))) const char symbol##_end[]

RAGPIPE_EMBEDDED_FILE(ragpipe_default_model_safetensors);
RAGPIPE_EMBEDDED_FILE(ragpipe_default_model_tokenizer);
RAGPIPE_EMBEDDED_FILE(ragpipe_default_model_config);
}

namespace ragpipe::embed {

absl::StatusOr<StaticEmbedder> DefaultModel() {
  // Never destroyed: threads may still embed while the process ends.
  static const auto& model = *new absl::StatusOr<StaticEmbedder>(StaticEmbedder::FromMemory({
      .safetensors = {ragpipe_default_model_safetensors_begin, ragpipe_default_model_safetensors_end},
      .tokenizer_json = {ragpipe_default_model_tokenizer_begin, ragpipe_default_model_tokenizer_end},
      .config_json = {ragpipe_default_model_config_begin, ragpipe_default_model_config_end},
  }));
  return model;
}

}  // namespace ragpipe::embed
