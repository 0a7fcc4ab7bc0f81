/* Included once by each of the files that compile it for one instruction set, after GENMD_LANES has been defined. */

#include "BlockDecoderLanes.h"
#include "BlockEncoderLanes.h"
