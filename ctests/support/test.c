/* Keeps the support library from being empty; helpers that need code of their own stand beside it. */
#include "support/test.h"
