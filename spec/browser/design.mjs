// The blog and a new project, as wide as a desk and as a phone, light and dark: pictures for people to look at.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pictures, root, withBrowser, withServer } from './browser.mjs'

// A picture of its own, as people upload them: made by the browser.
async function drawing(page, name) {
  const bytes = await page.evaluate(() => {
    const canvas = document.createElement('canvas')
    canvas.width = 1200
    canvas.height = 700
    const draw = canvas.getContext('2d')
    const sky = draw.createLinearGradient(0, 0, 0, 700)
    sky.addColorStop(0, '#9cc4e4')
    sky.addColorStop(1, '#f4d6a0')
    draw.fillStyle = sky
    draw.fillRect(0, 0, 1200, 700)
    draw.fillStyle = '#4a6b57'
    for (let i = 0; i < 5; i++) {
      draw.beginPath()
      draw.arc(150 + i * 260, 760 - (i % 2) * 60, 260, 0, 7)
      draw.fill()
    }
    return canvas.toDataURL('image/png').split(',')[1]
  })
  writeFileSync(name, Buffer.from(bytes, 'base64'))
}

const posts = [
  ['On the analytical engine', 'The engine weaves algebraic patterns just as the loom weaves flowers and leaves.\n\nMore at https://www.example.org today.\n\nWhat follows is a longer text, so that the list has something to cut: a note on how numbers of Bernoulli are computed, what a cycle is, and why a machine can act upon other things besides number.'],
  ['A title that is longer than a line of a telephone and goes on for a while', 'Short.'],
]

async function fill(page, url, folder) {
  await page.goto(`${url}/register`)
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('main button')
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('main button')
  await drawing(page, join(folder, 'hills.png'))
  for (const [i, [title, text]] of posts.entries()) {
    await page.goto(`${url}/new`)
    await page.fill('[name=title]', title)
    await page.fill('[name=text]', text)
    if (i === 0) await page.setInputFiles('[name=image]', join(folder, 'hills.png'))
    await page.click('main button')
  }
}

async function ofBlog(url, folder, browser) {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(10000)
  await page.goto(url)
  await pictures(page, 'blog-empty')
  await page.goto(`${url}/register`)
  await pictures(page, 'blog-register')
  await fill(page, url, folder)
  await page.goto(url)
  await pictures(page, 'blog-list')
  await page.click('text=On the analytical engine')
  await pictures(page, 'blog-post')
  await page.click('text=Edit')
  await pictures(page, 'blog-edit')
  await page.goto(`${url}/nowhere`)
  await pictures(page, 'blog-error')
}

async function ofProject(url, browser) {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(10000)
  await page.goto(url)
  await pictures(page, 'new-empty')
  for (const text of ['Buy milk', 'Read the notes on the engine, all of them, and write down what they say of cycles', 'Walk']) {
    await page.fill('[name=text]', text)
    await page.click('main button')
  }
  await pictures(page, 'new-list')
}

await withServer(() => ['serve', 'app'],
  (folder) => ({ DATABASE: join(folder, 'blog.db'), SECRET: 'a secret of the browser test, 32 bytes or more' }),
  ({ url, folder }) => withBrowser((browser) => ofBlog(url, folder, browser)))
await withServer((folder) => {
  execFileSync(join(root, 'build/rille'), ['new', join(folder, 'demo')])
  mkdirSync(join(folder, 'data'))
  return ['serve', join(folder, 'demo/app')]
}, (folder) => ({ DATABASE: join(folder, 'data/demo.db'), SECRET: 'a secret of the browser test, 32 bytes or more' }),
({ url }) => withBrowser((browser) => ofProject(url, browser)))
console.log('design: all as expected')
