#include "ccairo.h"
#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The functions of libcairo that are used here, by their names without "cairo_".
#define FUNCTIONS(f)                                                                                                    \
  f(svg_surface_create_for_stream) f(pdf_surface_create_for_stream) f(pdf_surface_set_metadata)                         \
  f(image_surface_create) f(image_surface_create_for_data) f(image_surface_get_data) f(image_surface_get_stride)        \
  f(surface_flush) f(surface_finish) f(surface_destroy) f(surface_status) f(create) f(destroy) f(status) f(scale)       \
  f(move_to) f(line_to) f(rectangle) f(arc) f(new_sub_path) f(stroke) f(fill) f(paint) f(set_source_rgba)               \
  f(set_line_width) f(set_dash) f(set_line_join) f(set_line_cap) f(select_font_face) f(set_font_size) f(text_extents)   \
  f(show_text) f(save) f(restore) f(translate) f(rotate) f(set_source_surface) f(get_source) f(pattern_set_filter)

static struct {
#define DECLARE(name) __typeof__(&cairo_##name) name;
  FUNCTIONS(DECLARE)
} cairo;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[256];

static void open_library(void) {
  void *library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(problem, sizeof problem, "the library libcairo.so.2 cannot be opened");
    return;
  }
#define FIND(name)                                                                                                      \
  *(void **)&cairo.name = dlsym(library, "cairo_" #name);                                                               \
  if (!cairo.name && !problem[0]) snprintf(problem, sizeof problem, "libcairo has no function cairo_" #name);
  FUNCTIONS(FIND)
}

const char *ltd_page_prepare(void) {
  pthread_once(&once, open_library);
  return problem[0] ? problem : NULL;
}

struct ltd_page {
  ltd_page_kind kind;
  cairo_surface_t *surface;
  cairo_t *context;
  int columns, rows;
  // What has been written of the file.
  uint8_t *bytes;
  size_t count, capacity;
  bool failed;
};

static cairo_status_t gather(void *closure, const unsigned char *data, unsigned length) {
  ltd_page *page = closure;
  if (page->count + length > page->capacity) {
    size_t capacity = page->capacity * 2 > page->count + length ? page->capacity * 2 : page->count + length;
    uint8_t *bytes = realloc(page->bytes, capacity);
    if (!bytes) {
      page->failed = true;
      return CAIRO_STATUS_WRITE_ERROR;
    }
    page->bytes = bytes;
    page->capacity = capacity;
  }
  memcpy(page->bytes + page->count, data, length);
  page->count += length;
  return CAIRO_STATUS_SUCCESS;
}

ltd_page *ltd_page_begin(ltd_page_kind kind, double width, double height, double scale) {
  ltd_page *page = calloc(1, sizeof *page);
  if (!page) return NULL;
  page->kind = kind;
  switch (kind) {
  case LTD_PAGE_SVG: page->surface = cairo.svg_surface_create_for_stream(gather, page, width, height); break;
  case LTD_PAGE_PDF:
    page->surface = cairo.pdf_surface_create_for_stream(gather, page, width, height);
    // Equal figures are equal files: no time of day.
    cairo.pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
    break;
  case LTD_PAGE_PIXELS:
    page->columns = (int)ceil(width * scale);
    page->rows = (int)ceil(height * scale);
    page->surface = cairo.image_surface_create(CAIRO_FORMAT_RGB24, page->columns, page->rows);
    break;
  }
  page->context = cairo.create(page->surface);
  if (cairo.surface_status(page->surface) || cairo.status(page->context)) {
    ltd_page_free(page);
    return NULL;
  }
  if (kind == LTD_PAGE_PIXELS) cairo.scale(page->context, scale, scale);
  cairo.set_source_rgba(page->context, 1, 1, 1, 1);
  cairo.paint(page->context);
  cairo.set_line_join(page->context, CAIRO_LINE_JOIN_ROUND);
  cairo.set_line_cap(page->context, CAIRO_LINE_CAP_BUTT);
  return page;
}

void ltd_page_move(ltd_page *page, double x, double y) { cairo.move_to(page->context, x, y); }

void ltd_page_line(ltd_page *page, double x, double y) { cairo.line_to(page->context, x, y); }

void ltd_page_box(ltd_page *page, double x, double y, double width, double height) {
  cairo.rectangle(page->context, x, y, width, height);
}

void ltd_page_disc(ltd_page *page, double x, double y, double radius) {
  cairo.new_sub_path(page->context);
  cairo.arc(page->context, x, y, radius, 0, 2 * M_PI);
}

static void set_colour(ltd_page *page, uint32_t colour, double opacity) {
  cairo.set_source_rgba(
      page->context, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0, opacity);
}

void ltd_page_stroke(ltd_page *page, uint32_t colour, double width, double dash) {
  set_colour(page, colour, 1);
  cairo.set_line_width(page->context, width);
  cairo.set_dash(page->context, &dash, dash > 0, 0);
  cairo.stroke(page->context);
}

void ltd_page_fill(ltd_page *page, uint32_t colour, double opacity) {
  set_colour(page, colour, opacity);
  cairo.fill(page->context);
}

static void choose_font(ltd_page *page, double size, bool bold) {
  cairo.select_font_face(
      page->context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo.set_font_size(page->context, size);
}

double ltd_page_text_width(ltd_page *page, const char *text, double size, bool bold) {
  cairo_text_extents_t extents = {0};
  choose_font(page, size, bold);
  cairo.text_extents(page->context, text, &extents);
  return extents.x_advance;
}

void ltd_page_text(
    ltd_page *page, const char *text, double x, double y, double size, double anchor, uint32_t colour, bool bold,
    bool upward) {
  double width = ltd_page_text_width(page, text, size, bold);
  cairo.save(page->context);
  cairo.translate(page->context, x, y);
  if (upward) cairo.rotate(page->context, -M_PI / 2);
  set_colour(page, colour, 1);
  cairo.move_to(page->context, -anchor * width, 0);
  cairo.show_text(page->context, text);
  cairo.restore(page->context);
}

void ltd_page_image(
    ltd_page *page, const uint32_t *pixels, int columns, int rows, double x, double y, double width, double height) {
  if (columns < 1 || rows < 1) return;
  cairo_surface_t *image = cairo.image_surface_create_for_data(
      (unsigned char *)pixels, CAIRO_FORMAT_RGB24, columns, rows, columns * 4);
  cairo.save(page->context);
  cairo.translate(page->context, x, y);
  cairo.scale(page->context, width / columns, height / rows);
  cairo.set_source_surface(page->context, image, 0, 0);
  cairo.pattern_set_filter(cairo.get_source(page->context), CAIRO_FILTER_NEAREST);
  cairo.rectangle(page->context, 0, 0, columns, rows);
  cairo.fill(page->context);
  cairo.restore(page->context);
  // The file takes its pixels when the page ends, and the caller's are gone then.
  cairo.surface_finish(image);
  cairo.surface_destroy(image);
}

const uint8_t *ltd_page_end(ltd_page *page, size_t *count) {
  cairo.surface_flush(page->surface);
  bool failed = cairo.status(page->context) != CAIRO_STATUS_SUCCESS;
  if (page->kind == LTD_PAGE_PIXELS) {
    const uint8_t *pixels = cairo.image_surface_get_data(page->surface);
    size_t stride = (size_t)cairo.image_surface_get_stride(page->surface);
    page->count = (size_t)page->columns * page->rows * 3;
    page->bytes = failed || !pixels ? NULL : malloc(page->count);
    if (!page->bytes) return NULL;
    uint8_t *out = page->bytes;
    for (int row = 0; row < page->rows; row++) {
      for (int column = 0; column < page->columns; column++) {
        uint32_t pixel;
        memcpy(&pixel, pixels + row * stride + column * 4, 4);
        *out++ = pixel >> 16 & 255;
        *out++ = pixel >> 8 & 255;
        *out++ = pixel & 255;
      }
    }
  } else {
    cairo.surface_finish(page->surface);
    failed |= page->failed || cairo.surface_status(page->surface) != CAIRO_STATUS_SUCCESS;
  }
  *count = page->count;
  return failed ? NULL : page->bytes;
}

void ltd_page_free(ltd_page *page) {
  if (page->context) cairo.destroy(page->context);
  if (page->surface) cairo.surface_destroy(page->surface);
  free(page->bytes);
  free(page);
}
