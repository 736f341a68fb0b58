// The site of the docs in a real browser: search, copying code, previous and next; and all of it but these without JavaScript.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, expectNot, root, screenshot, withBrowser, withServer } from './browser.mjs'

const wide = { width: 1280, height: 800 }, phone = { width: 390, height: 844 }

async function copies(page, url) {
  await page.goto(url + '/cookbook.html')
  const block = page.locator('.code:has(code.console)').first()
  await block.hover()
  await block.locator('.copy').click()
  const text = await page.evaluate(() => navigator.clipboard.readText())
  expect('what is typed', text, 'mkdir uploads\nrille serve app.lua &\n')
  expectNot('what is typed', text, '$ ')
  expectNot('what is typed', text, 'zeros.bin: 3000000 bytes')
  expect('the button', await block.locator('.copy').innerText(), 'Copied')
  await page.locator('figure:has(figcaption:text("app.lua")) .copy').first().click({ force: true })
  expect('the program', await page.evaluate(() => navigator.clipboard.readText()), 'local rille = require "rille"')
}

async function goes_on(page, url) {
  await page.goto(url + '/tasks.html')
  const title = await page.title()
  await page.click('.beside [rel=next]')
  if (await page.title() === title) throw new Error('the next page is the same')
  await page.click('.beside [rel=prev]')
  expect('the page before', await page.title(), title)
  await page.click('aside >> text="rille.spawn"')
  expect('the place', page.url(), '#rillespawn')
}

async function finds(page, url) {
  await page.goto(url + '/index.html')
  await page.keyboard.press('/')
  await page.keyboard.type('semaphore')
  await page.click('.search li >> nth=0')
  expect('what was found', page.url(), 'tasks.html#')
}

async function works_without_scripts(browser, url) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: phone })
  const page = await context.newPage()
  await page.goto(url + '/app.html')
  await page.click('nav >> text="Sessions"')
  expect('the page', await page.title(), 'Sessions')
  for (const dead of ['.menu', '.search', '.copy']) {
    if (await page.locator(dead).filter({ visible: true }).count()) throw new Error(`${dead} is there and does nothing`)
  }
  await context.close()
}

async function pictures(browser, url) {
  for (const [name, viewport] of Object.entries({ wide, phone })) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme })
      const page = await context.newPage()
      for (const file of ['app', 'reference', 'security', 'cookbook']) {
        await page.goto(`${url}/${file}.html`)
        const spill = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (spill > 0) throw new Error(`${file}.html is ${spill} pixels wider than a ${name} screen`)
        await screenshot(page, `site-${file}-${name}-${colorScheme}`, false)
      }
      await context.close()
    }
  }
}

await withServer(() => ['serve', 'docs/site'], (folder) => {
  execFileSync(join(root, 'build/rille'), ['run', 'docs/site/build.lua', join(folder, 'docs')], { cwd: root, stdio: 'ignore' })
  return { DOCS: join(folder, 'docs') }
}, ({ url }) => withBrowser(async (browser) => {
  const context = await browser.newContext({ viewport: wide, permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.setDefaultTimeout(10000)
  await copies(page, url)
  await goes_on(page, url)
  await finds(page, url)
  await works_without_scripts(browser, url)
  await pictures(browser, url)
  if (problems.length) throw new Error(problems.join('\n'))
}))
console.log('the site of the docs: fine')
