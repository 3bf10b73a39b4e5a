// The growing output of both encoders.

#ifndef CIC_BUFFER_H
#define CIC_BUFFER_H

#include "CImageCodecs.h"

/// Makes room for `extra` more bytes. 0 when memory is short.
int cic_buffer_reserve(cic_buffer *buffer, size_t extra);
/// Keeps the first line of what a library says, cut to size.
void cic_set_message(char message[CIC_MESSAGE_SIZE], const char *text);

#endif
