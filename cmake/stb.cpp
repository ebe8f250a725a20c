// stb's implementation, for the target dropnet::image.
#include <stdlib.h>
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
// Zeros: Debian 12's stb_image decodes by whatever lies in a Huffman table that a damaged JPEG uses but does not have.
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(block, size) realloc(block, size)
#define STBI_FREE(block) free(block)
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#ifdef __clang__
// Where a damaged JPEG's scan ends within a code, stb shifts a byte that is zero by then by 32 bits and more.
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif
#include <stb/stb_image_resize.h>
#include <stb/stb_image_write.h>
