/* Bytes and file parts on their way to a stream; see output.h. */
#include "http/output.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

enum { FILE_PIECE = 16 << 10, FILE_TURN = 1 << 20, FIRST_FILES = 4 };

void rl_output_init(rl_output *out) {
  *out = (rl_output){.gone = 0};
  rl_buf_init(&out->bytes, RL_BUF_NO_LIMIT);
}

static void free_files(rl_output *out) {
  rl_free(out->files);
  out->files = NULL;
  out->file_count = out->file_room = out->next_file = 0;
}

void rl_output_free(rl_output *out) {
  rl_buf_free(&out->bytes);
  free_files(out);
}

static int grow_files(rl_output *out) {
  size_t room = out->file_room ? out->file_room * 2 : FIRST_FILES;
  rl_file_part *files = rl_realloc(out->files, room * sizeof *files);
  if (!files) return RL_ENOMEM;
  out->files = files;
  out->file_room = room;
  return RL_OK;
}

int rl_output_add_file(rl_output *out, int fd, uint64_t offset, uint64_t size) {
  if (out->file_count == out->file_room && grow_files(out)) return RL_ENOMEM;
  out->files[out->file_count++] =
      (rl_file_part){.position = out->gone + out->bytes.len, .fd = fd, .at = (int64_t)offset, .left = size};
  return RL_OK;
}

void rl_output_drop_files(rl_output *out) {
  if (!rl_output_has_files(out)) return;
  out->bytes.len = (size_t)(out->files[out->next_file].position - out->gone);
  free_files(out);
}

/* Writes the first `size` bytes. */
static int write_bytes(rl_output *out, rl_stream *stream, size_t size, bool *progress) {
  size_t done = 0;
  ssize_t n = 0;
  while (done < size) {
    n = rl_stream_write(stream, rl_slice_of(out->bytes.data + done, size - done));
    if (n < 0) break;
    done += (size_t)n;
  }
  rl_buf_consume(&out->bytes, done);
  out->gone += done;
  if (done) *progress = true;
  return done == size ? RL_OK : (int)n;
}

/* For a stream that cannot take a file itself. What it does not take is read again. */
static ssize_t copy_piece(rl_stream *stream, rl_file_part *part, size_t size) {
  char piece[FILE_PIECE];
  ssize_t n = pread(part->fd, piece, size < sizeof piece ? size : sizeof piece, (off_t)part->at);
  if (n <= 0) return RL_EEOF;
  n = rl_stream_write(stream, rl_slice_of(piece, (size_t)n));
  if (n > 0) part->at += n;
  return n;
}

/* Sends as much of a file as is fair in one turn. */
static int write_file(rl_file_part *part, rl_stream *stream, uint64_t *turn, bool *progress) {
  while (part->left) {
    if (!*turn) return RL_EBUSY;
    size_t size = part->left < *turn ? (size_t)part->left : (size_t)*turn;
    ssize_t n = stream->ops->send_file(stream, part->fd, &part->at, size);
    if (n == RL_EUNSUPPORTED) n = copy_piece(stream, part, size);
    if (n < 0) return (int)n;
    part->left -= (uint64_t)n;
    *turn -= (uint64_t)n;
    *progress = true;
  }
  return RL_OK;
}

int rl_output_write(rl_output *out, rl_stream *stream, bool *progress) {
  uint64_t turn = FILE_TURN;
  int code = RL_OK;
  while (!code && rl_output_has_files(out)) {
    rl_file_part *part = &out->files[out->next_file];
    stream->more = true; /* the file follows at once */
    code = write_bytes(out, stream, (size_t)(part->position - out->gone), progress);
    stream->more = false;
    if (!code) code = write_file(part, stream, &turn, progress);
    if (!code) out->next_file++;
  }
  if (code) return code;
  if (out->files) free_files(out);
  return write_bytes(out, stream, out->bytes.len, progress);
}
