// A C target needs one source; everything is in the header.
#define _GNU_SOURCE
#include "CUring.h"
