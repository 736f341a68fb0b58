/*
 * multipart bodies (RFC 2046 section 5.1, RFC 7578), parsed as they arrive: split anywhere, the same events come out.
 *
 *   preamble  --boundary CRLF  head CRLF CRLF  data … CRLF --boundary CRLF  head …  CRLF --boundary-- epilogue
 *   (dropped)                  PART            DATA …      PART_END         PART         PART_END END (ignored)
 *
 * A part that is itself multipart is opaque data: nothing recurses. What is kept between two calls is the head of a part
 * and how much of a delimiter has matched. The delimiter begins with the only CR in it, so a mismatch never has to look
 * back and every byte is looked at once, whatever near-boundaries a body is made of.
 */
#ifndef RL_HTTP_MULTIPART_H
#define RL_HTTP_MULTIPART_H

#include "base/buf.h"
#include "base/limits.h"
#include "http/header.h"

enum { RL_BOUNDARY_MOST = 70 };

typedef enum rl_multipart_event {
  RL_MULTIPART_MORE,     /* the input is used up */
  RL_MULTIPART_PART,     /* a part begins: fields, and rl_multipart_describe */
  RL_MULTIPART_DATA,     /* multipart.data: borrowed from the input, or from the parser until the next call */
  RL_MULTIPART_PART_END, /* the part is complete */
  RL_MULTIPART_END       /* no further part comes; what follows is ignored */
} rl_multipart_event;

typedef struct rl_multipart {
  char delimiter[4 + RL_BOUNDARY_MOST]; /* CRLF -- boundary */
  size_t delimiter_len;
  uint8_t state;
  bool borrowed;  /* the CRLF that the delimiter may begin with belongs to what stood before the data */
  size_t matched; /* bytes of the delimiter that the last input ended with */
  rl_buf head;    /* of the part, as it arrived */
  size_t line;    /* where the line under way begins in it */
  rl_header fields[RL_LIMIT_PART_FIELDS];
  size_t field_count;
  rl_slice data;
  size_t parts, most_parts;
  const char *why; /* after an error: what is wrong, for people */
} rl_multipart;

/* Finds the boundary in the value of a Content-Type header. 0; RL_EUNSUPPORTED if it is not multipart/…; RL_EINVALID
 * where the boundary is missing, stands there twice or is not 1 to 70 of the characters it may have. */
int rl_multipart_init(rl_multipart *multipart, rl_slice content_type, size_t most_parts);
void rl_multipart_free(rl_multipart *multipart);

/* The next event; `in` is advanced by what was used. Or an error, which is final: RL_ESYNTAX and RL_EINVALID (a head that
 * is malformed or larger than its limits), RL_ETOOBIG (too many parts), RL_ENOMEM. */
int rl_multipart_next(rl_multipart *multipart, rl_slice *in);
/* At the end of the body: 0, or RL_ESYNTAX if it was cut off. */
int rl_multipart_finish(rl_multipart *multipart);

/* Describes a part by its Content-Disposition and Content-Type. Slices as long as the part. */
typedef struct rl_part {
  bool is_form_data, has_name, is_file; /* a file has a filename, if only an empty one */
  rl_slice name;
  rl_slice filename;     /* as sent, quotes and their escapes taken off */
  rl_slice content_type; /* "" if there is none */
} rl_part;

/* After RL_MULTIPART_PART, once: 0 or RL_ESYNTAX. A filename* (which RFC 7578 section 4.2 forbids) counts only where there
 * is no filename, and only as UTF-8. */
int rl_multipart_describe(rl_multipart *multipart, rl_part *part);

/* Appends a name for `raw` that is safe as the last segment of a path: what follows the last slash of either kind, without
 * control characters, marks that turn the direction of text, ill-formed UTF-8, leading dots and blanks at the ends, at
 * most 255 bytes with its extension kept, never empty. 0 or the buffer's error. */
int rl_filename_make_safe(rl_slice raw, rl_buf *out);

#endif
