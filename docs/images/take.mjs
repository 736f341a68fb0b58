// Takes the pictures of the README: the blog, the error page and the panel of `rille dev`, in a headless Chromium.
//
//   script/pictures      writes docs/images/blog.png, error.png and panel.png
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, withBrowser, withServer } from '../../spec/browser/browser.mjs'

const size = { width: 1280, height: 800 }

const posts = [
  ['A walk along the rill', 'Up before the sun. The water was low, and clear to the ground; a dipper went in and came out a yard upstream.', 200, 40],
  ['Bread, the slow way', 'Flour, water, salt, and a night of doing nothing at all. The last of these is the one that is left out.', 30, 60],
  ['What the tide leaves', 'Two shells, a length of rope, a boot. We took the rope.', 170, 55],
]

// A program with a mistake in it that people make: what was not found is used.
const broken = `local rille = require "rille"
local app = rille.app()

app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open ":memory:"
  db:exec "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO people VALUES (1, 'Ada')"
  self.state.db = db
  running()
end)

app:get("/people/{id:int}", function(req)
  local person = req.app.state.db:one("SELECT id, name FROM people WHERE id = ?", req.params.id)
  rille.log.info("somebody looks", { id = req.params.id })
  return "Hello, " .. person.name
end, { name = "person" })

return app
`

// A landscape of two colours, as a PNG.
const drawn = (page, hue, height) => page.evaluate(([hue, height]) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 })
  const c = canvas.getContext('2d'), sky = c.createLinearGradient(0, 0, 0, 480)
  sky.addColorStop(0, `hsl(${hue} 70% 80%)`)
  sky.addColorStop(1, `hsl(${hue + 40} 60% 92%)`)
  c.fillStyle = sky
  c.fillRect(0, 0, 640, 480)
  for (let i = 0; i < 4; i++) {
    c.fillStyle = `hsl(${hue + i * 12} 40% ${62 - i * 12}%)`
    c.beginPath()
    c.moveTo(0, 480)
    for (let x = 0; x <= 640; x += 8) c.lineTo(x, 480 - height * (5 - i) - 26 * Math.sin(x / (60 + 25 * i) + i * 2))
    c.lineTo(640, 480)
    c.fill()
  }
  return canvas.toDataURL('image/png').split(',')[1]
}, [hue, height]).then((text) => Buffer.from(text, 'base64'))

const take = (page, name) => page.screenshot({ path: join(root, `docs/images/${name}.png`) })

async function write(page, url, folder) {
  await page.goto(url + '/register')
  for (const [name, value] of [['login', 'ada'], ['password', 'lovelace']]) await page.fill(`[name=${name}]`, value)
  await page.click('main button')
  for (const [name, value] of [['login', 'ada'], ['password', 'lovelace']]) await page.fill(`[name=${name}]`, value)
  await page.click('main button')
  for (const [title, text, hue, height] of posts) {
    await page.goto(url + '/new')
    await page.fill('[name=title]', title)
    await page.fill('[name=text]', text)
    const file = join(folder, 'picture.png')
    writeFileSync(file, await drawn(page, hue, height))
    await page.setInputFiles('[name=image]', file)
    await page.click('main button')
  }
}

async function look(browser, test) {
  const context = await browser.newContext({ viewport: size })
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  await test(page)
  await context.close()
}

// The blog in a folder of its own, so that nothing of this machine's is in the pictures.
function blog(folder) {
  for (const name of ['app', 'templates']) cpSync(join(root, name), join(folder, name), { recursive: true })
  return ['dev', join(folder, 'app')]
}

await withServer(blog, (folder) => ({ DATABASE: join(folder, 'blog.db'), SECRET: 'x'.repeat(40) }),
  ({ url, folder }) => withBrowser((browser) => look(browser, async (page) => {
    await write(page, url, folder)
    await page.goto(url)
    await page.waitForLoadState('networkidle').catch(() => {}) // live reload keeps a connection
    await take(page, 'blog')
    await page.goto(url + '/2')
    await page.goto(url + '/99')
    await page.goto(url + '/_rille')
    await page.getByText('/new').first().waitFor()
    await page.getByText('POST').first().click() // what one request did
    await page.waitForTimeout(500)
    await take(page, 'panel')
  })))

await withServer((folder) => {
  mkdirSync(join(folder, 'people'))
  writeFileSync(join(folder, 'people/app.lua'), broken)
  return ['dev', join(folder, 'people/app.lua')]
}, () => ({}), ({ url }) => withBrowser((browser) => look(browser, async (page) => {
  await page.goto(url + '/people/7')
  await take(page, 'error')
})))
