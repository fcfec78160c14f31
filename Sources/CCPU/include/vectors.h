// What Swift's SIMD types do one value at a time: single instructions on whole vectors, and the first values of a vector.
// The importing module's instruction set decides how they are compiled.
#ifndef LTD_VECTORS_H
#define LTD_VECTORS_H

typedef float ltd_float2 __attribute__((ext_vector_type(2)));
typedef float ltd_float4 __attribute__((ext_vector_type(4)));
typedef float ltd_float8 __attribute__((ext_vector_type(8)));
typedef float ltd_float16 __attribute__((ext_vector_type(16)));

#define LTD_VECTOR static inline __attribute__((always_inline))
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

// a · b + c in one rounding.
LTD_VECTOR ltd_float8 ltd_fma8(ltd_float8 a, ltd_float8 b, ltd_float8 c) { return __builtin_elementwise_fma(a, b, c); }
LTD_VECTOR ltd_float16 ltd_fma16(ltd_float16 a, ltd_float16 b, ltd_float16 c) {
  return __builtin_elementwise_fma(a, b, c);
}
LTD_VECTOR ltd_float16 ltd_times16(ltd_float16 a, float b) { return a * b; }
LTD_VECTOR ltd_float16 ltd_sqrt16(ltd_float16 a) { return __builtin_elementwise_sqrt(a); }
LTD_VECTOR ltd_float16 ltd_floor16(ltd_float16 a) { return __builtin_elementwise_floor(a); }
LTD_VECTOR ltd_float16 ltd_ceil16(ltd_float16 a) { return __builtin_elementwise_ceil(a); }
LTD_VECTOR ltd_float16 ltd_round16(ltd_float16 a) { return __builtin_elementwise_roundeven(a); }

// Asks for the cache line of an address that will be read; any address will do.
LTD_VECTOR void ltd_prefetch(const float *p) { __builtin_prefetch(p); }

// Sum of the lanes, by halves.
LTD_VECTOR float ltd_sum16(ltd_float16 v) {
  ltd_float8 a = v.lo + v.hi;
  ltd_float4 b = a.lo + a.hi;
  ltd_float2 c = b.lo + b.hi;
  return c.x + c.y;
}
// The greatest lane; NaN lanes may be passed over.
LTD_VECTOR float ltd_max16(ltd_float16 v) {
  ltd_float8 a = v.lo > v.hi ? v.lo : v.hi;
  ltd_float4 b = a.lo > a.hi ? a.lo : a.hi;
  ltd_float2 c = b.lo > b.hi ? b.lo : b.hi;
  return c.x > c.y ? c.x : c.y;
}

#if defined(__AVX512F__)
typedef float ltd_native __attribute__((vector_size(64)));

// The first `count` (1…16) values; the rest are `fill`.
LTD_VECTOR ltd_float16 ltd_load_first16(const float *p, long count, float fill) {
  return __builtin_ia32_loadups512_mask(p, (ltd_native)(ltd_float16)fill, (unsigned short)(0xffff >> (16 - count)));
}
LTD_VECTOR void ltd_store_first16(float *p, ltd_float16 v, long count) {
  __builtin_ia32_storeups512_mask(p, (ltd_native)v, (unsigned short)(0xffff >> (16 - count)));
}
#elif defined(__AVX__)
typedef float ltd_native __attribute__((vector_size(32)));
typedef int ltd_native_mask __attribute__((vector_size(32)));
typedef int ltd_int8 __attribute__((ext_vector_type(8)));

LTD_VECTOR ltd_int8 ltd_first8(long count) { return (ltd_int8){0, 1, 2, 3, 4, 5, 6, 7} < (ltd_int8)(int)count; }
LTD_VECTOR ltd_float8 ltd_load_first8(const float *p, long count, float fill) {
  ltd_int8 first = ltd_first8(count);
  ltd_float8 v = (ltd_float8)__builtin_ia32_maskloadps256((const ltd_native *)p, (ltd_native_mask)first);
  return first ? v : (ltd_float8)fill;
}
LTD_VECTOR void ltd_store_first8(float *p, ltd_float8 v, long count) {
  __builtin_ia32_maskstoreps256((ltd_native *)p, (ltd_native_mask)ltd_first8(count), (ltd_native)v);
}
LTD_VECTOR ltd_float16 ltd_load_first16(const float *p, long count, float fill) {
  ltd_float16 v;
  v.lo = ltd_load_first8(p, count, fill);
  v.hi = ltd_load_first8(p + 8, count - 8, fill);
  return v;
}
LTD_VECTOR void ltd_store_first16(float *p, ltd_float16 v, long count) {
  ltd_store_first8(p, v.lo, count);
  ltd_store_first8(p + 8, v.hi, count - 8);
}
#else
typedef union {
  ltd_float16 vector;
  float values[16];
} ltd_lanes;

LTD_VECTOR ltd_float16 ltd_load_first16(const float *p, long count, float fill) {
  ltd_lanes v = {.vector = fill};
  for (long i = 0; i < count; i++) v.values[i] = p[i];
  return v.vector;
}
LTD_VECTOR void ltd_store_first16(float *p, ltd_float16 v, long count) {
  ltd_lanes lanes = {.vector = v};
  for (long i = 0; i < count; i++) p[i] = lanes.values[i];
}
#endif

#pragma clang diagnostic pop
#endif
