/*
 * HTML: escapes text so that it stays text, in element content and in quoted attribute values.
 *
 *   &  <  >  "  '    ->    &amp; &lt; &gt; &#34; &#39;      (the entities markupsafe writes, so that pages compare)
 */
#ifndef RL_BASE_HTML_H
#define RL_BASE_HTML_H

#include "base/buf.h"

/* Appends `s`, escaped while it is copied. Returns 0, RL_ENOMEM or RL_ETOOBIG; after an error only a part may have been
 * appended. It reserves room for the worst case of the next 512 bytes, so a limit acts up to 2.6 KB early. */
int rl_html_escape(rl_buf *out, rl_slice s);

#endif
