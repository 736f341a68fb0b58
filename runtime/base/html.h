/*
 * HTML: escaping what is text so that it stays text, in element content and in quoted attribute values.
 *
 *   &  <  >  "  '    ->    &amp; &lt; &gt; &#34; &#39;      (the entities markupsafe writes, so that pages compare)
 */
#ifndef RL_BASE_HTML_H
#define RL_BASE_HTML_H

#include "base/buf.h"

/* Appends `s`, escaped while it is copied. 0, RL_ENOMEM or RL_ETOOBIG; then less than all of it may have been appended. Room
 * is made for the worst case of the next 512 bytes, so a limit is felt that much (2.6 KB) before it is reached. */
int rl_html_escape(rl_buf *out, rl_slice s);

#endif
