// Decoding of PNG images in memory by libpng, whose errors are long jumps that Swift cannot take.
#ifndef CPNG_H
#define CPNG_H
#include <stddef.h>
#include <stdint.h>

// Decodes an image to 4 bytes a pixel: red, green, blue, 255. Palettes and fewer bits are expanded, of 16 bits the high
// byte is taken, alpha is left out, and gamma is not applied: as PIL's convert("RGB") does.
//
// width, height: what the header says; `pixels` has room for them. message: at least 128 bytes for what is wrong.
// Returns whether the image is whole.
int ltd_png_decode(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *pixels, char *message);

#endif
