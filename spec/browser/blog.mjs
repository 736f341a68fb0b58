// A person registers, logs in, writes a post with a picture, edits it, deletes it and logs out, in a real browser.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, expectNot, screenshot, withBrowser, withServer } from './browser.mjs'

// A PNG of 8x8 red pixels.
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII=', 'base64')

const main = (page) => page.locator('body').innerText()

async function run(url, folder, browser) {
  const context = await browser.newContext({ viewport: { width: 390, height: 700 } }) // as large as a phone
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.setDefaultTimeout(10000)

  await page.goto(url)
  expect('the front page', await main(page), 'Nothing here yet')
  await screenshot(page, 'blog-1-empty')

  await page.click('text=Register')
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('button')
  expect('after registering', await main(page), 'Welcome, ada. Now log in.')
  expectNot('after registering', await main(page), 'Log out')
  await screenshot(page, 'blog-2-login')

  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'wrong password')
  await page.click('main button')
  expect('a wrong password', await main(page), 'is not right')
  problems.length = 0 // the browser tells of the 422
  await page.fill('[name=password]', 'lovelace')
  await page.click('main button')
  expect('after the login', await main(page), 'Hello, ada.')

  const file = join(folder, 'red.png')
  writeFileSync(file, picture)
  await page.click('text=Write')
  await page.fill('[name=title]', 'First <post>')
  await page.fill('[name=text]', 'Hello world.\n\nMore at https://www.example.org today.')
  await page.setInputFiles('[name=image]', file)
  await screenshot(page, 'blog-3-write')
  await page.click('main button')
  expect('the post', await main(page), 'First <post>')
  expect('the post', await main(page), 'by ada')
  const size = await page.locator('article img').evaluate((img) => img.decode().then(() => [img.naturalWidth, img.naturalHeight]))
  expect('the picture', String(size), '64,64')
  const colour = await page.locator('article img').evaluate((img) => {
    const canvas = document.createElement('canvas')
    canvas.getContext('2d').drawImage(img, 0, 0)
    return [...canvas.getContext('2d').getImageData(32, 32, 1, 1).data]
  })
  if (colour[0] < 200 || colour[1] > 60) throw new Error(`the picture is not red: ${colour}`)
  await screenshot(page, 'blog-4-post')

  await page.click('text=Edit')
  await page.fill('[name=title]', 'Second')
  await page.click('main button')
  expect('after editing', await main(page), 'Second')

  await page.click('text=Delete')
  expect('before deleting', await main(page), 'Delete Second?')
  await page.click('main button')
  expect('after deleting', await main(page), 'The post is gone.')

  await page.click('text=Log out')
  expect('after the logout', await main(page), 'Register')
  await page.goto(`${url}/new`)
  expect('writing without a login', await main(page), 'Please log in first.')

  if (problems.length) throw new Error(`the browser complained:\n${problems.join('\n')}`)
  await page.goto(`${url}/99`)
  expect('a page that is not there', await main(page), '404')
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, 'blog-5-error-dark')
}

await withServer((folder) => ['serve', 'app'],
  (folder) => ({ DATABASE: join(folder, 'blog.db'), SECRET: 'a secret of the browser test, 32 bytes or more' }),
  ({ url, folder }) => withBrowser((browser) => run(url, folder, browser)))
console.log('blog: all as expected')
