// An answer that comes before the upload was read (a login page for who is not logged in, a 413, a 404): a browser that speaks
// HTTP/1.1 shows it, whatever the size, each time, and the handler has run once. Until the server took the rest of the body,
// the connection was reset in the middle of it: Chromium showed ERR_CONNECTION_RESET and sent the form again.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withBrowser, withServer } from './browser.mjs'

const TRIES = 20
const program = `local rille = require "rille"
local app = rille.app {}
local runs = 0
local large = { body_limit = 100 * 1024 ^ 2 }
app:get("/", function() return rille.html "<!doctype html><title>start</title>" end)
app:get("/form", function(req)
  return rille.html(([[<!doctype html><form id=f method=post action=/form enctype=multipart/form-data><input type=file id=i
    name=image></form><script>const d = new DataTransfer()
    d.items.add(new File([new Uint8Array(%d)], 'photo.jpg')); i.files = d.files; f.submit()</script>]]):format(req.query.size))
end)
local function count(answer) return function() runs = runs + 1 return answer() end end
app:post("/form", count(function() return rille.redirect "/login" end), large)
app:get("/login", function() return rille.html "<!doctype html><title>login</title>please log in" end)
app:post("/ignore", count(function() return "OK" end), large)
app:post("/redirect", count(function() return rille.redirect "/login" end), large)
app:post("/large", count(function() return ("x"):rep(3000000) end), large)
app:post("/small", count(function() rille.abort(413) end))
app:post("/file", count(function() return rille.file("init.lua") end), large)
app:get("/runs", function() local before = runs runs = 0 return tostring(before) end)
return app
`

const sizes = [0.2, 0.5, 0.9, 2, 5, 20].map((mb) => Math.round(mb * 1048576))
const paths = { '/ignore': 200, '/redirect': 200, '/large': 200, '/small': 413, '/file': 200, '/nowhere': 404, '/login': 405 }

/** Sends a body TRIES times from a page of the site: the statuses that came, or what went wrong. */
const send = (page, path, size) => page.evaluate(async ([path, size, tries]) => {
  const seen = []
  const body = new Blob([new Uint8Array(size)])
  for (let i = 0; i < tries; i++) {
    try {
      const answer = await fetch(path, { method: 'POST', body })
      await answer.arrayBuffer()
      seen.push(answer.status)
    } catch (error) {
      seen.push(String(error))
    }
  }
  return seen
}, [path, size, TRIES])

async function checkFetch(page, url, path, size) {
  const seen = await send(page, path, size)
  const wrong = seen.filter((status) => status !== paths[path])
  if (wrong.length) throw new Error(`${path}, ${size} bytes: ${wrong.length} of ${TRIES} failed: ${wrong[0]}`)
  const runs = Number(await (await fetch(`${url}/runs`)).text())
  const handled = path === '/nowhere' || path === '/login' ? 0 : TRIES
  if (runs !== handled) throw new Error(`${path}, ${size} bytes: the handler ran ${runs} times for ${handled} requests`)
}

async function checkForm(page, url, size) {
  for (let i = 0; i < TRIES; i++) {
    await page.goto(`${url}/form?size=${size}`)
    await page.waitForURL(`${url}/login`)
    const runs = await (await fetch(`${url}/runs`)).text()
    if (runs !== '1') throw new Error(`a form of ${size} bytes: the handler ran ${runs} times`)
  }
}

const start = (folder) => {
  writeFileSync(join(folder, 'init.lua'), program)
  return ['serve', join(folder, 'init.lua'), '--log', 'text']
}

await withServer(start, () => ({}), ({ url }) => withBrowser(async (browser) => {
  const page = await browser.newPage()
  await page.goto(url)
  for (const path of Object.keys(paths)) {
    for (const size of sizes) await checkFetch(page, url, path, size)
  }
  for (const size of [sizes[0], sizes[4], sizes[5]]) await checkForm(page, url, size)
}))
console.log('upload: all as expected')
