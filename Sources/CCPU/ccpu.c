#include "include/ccpu.h"

static _Thread_local bool in_region;

bool ltd_thread_in_region(void) { return in_region; }
void ltd_thread_set_in_region(bool inside) { in_region = inside; }

static _Thread_local int instruction_set = -1;

int ltd_thread_instruction_set(void) { return instruction_set; }
void ltd_thread_set_instruction_set(int set) { instruction_set = set; }
