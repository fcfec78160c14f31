// A page that is drawn with cairo, as pixels, SVG or PDF.
//
// libcairo is opened when the first page is drawn and not when the program starts: it brings some twenty libraries along,
// those of fonts and windows among them, which would take a quarter of the time to the prompt. Only its headers are needed
// to build. A page is gathered in memory; nothing is written anywhere here. Coordinates are points from the left upper
// corner; colours are 0xRRGGBB.
#ifndef CCAIRO_H
#define CCAIRO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ltd_page ltd_page;

typedef enum { LTD_PAGE_PIXELS, LTD_PAGE_SVG, LTD_PAGE_PDF } ltd_page_kind;

// Opens libcairo. NULL, or why it cannot be used; from any thread.
const char *_Nullable ltd_page_prepare(void);

// Begins a white page; of pixels, each point is `scale` pixels wide. NULL where there is no memory.
// `ltd_page_prepare` must have returned NULL.
ltd_page *_Nullable ltd_page_begin(ltd_page_kind kind, double width, double height, double scale);

void ltd_page_move(ltd_page *_Nonnull page, double x, double y);
void ltd_page_line(ltd_page *_Nonnull page, double x, double y);
void ltd_page_box(ltd_page *_Nonnull page, double x, double y, double width, double height);
void ltd_page_disc(ltd_page *_Nonnull page, double x, double y, double radius);
// Draws the path that has been gathered, and forgets it. `dash` is 0 for an unbroken line.
void ltd_page_stroke(ltd_page *_Nonnull page, uint32_t colour, double width, double dash);
void ltd_page_fill(ltd_page *_Nonnull page, uint32_t colour, double opacity);

// Writes a line of UTF-8 whose anchor, 0 for its left end to 1 for its right one, is at the point; `upward` turns it.
void ltd_page_text(
    ltd_page *_Nonnull page, const char *_Nonnull text, double x, double y, double size, double anchor, uint32_t colour,
    bool bold, bool upward);
double ltd_page_text_width(ltd_page *_Nonnull page, const char *_Nonnull text, double size, bool bold);

// Draws pixels 0xRRGGBB, row by row, in a box; pixels stay sharp.
void ltd_page_image(
    ltd_page *_Nonnull page, const uint32_t *_Nonnull pixels, int columns, int rows, double x, double y, double width,
    double height);

// Ends the page: its file, or for pixels the bytes R, G, B row by row, which live as long as the page. NULL on failure.
const uint8_t *_Nullable ltd_page_end(ltd_page *_Nonnull page, size_t *_Nonnull count);
void ltd_page_free(ltd_page *_Nonnull page);
#endif
