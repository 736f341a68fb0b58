/* Keeps the support library from being empty. The helpers are in the files beside this one. */
#include "support/test.h"
