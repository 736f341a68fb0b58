// `rille dev --https`: a browser that was told of its authority loads the blog over HTTP/2 and keeps the session's cookie, which is
// for https only; a browser that was not refuses the certificate.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, screenshot, withBrowser, withServer } from './browser.mjs'

const certutil = ['/usr/bin/certutil', '/usr/local/bin/certutil'].find(existsSync)
if (!certutil) {
  console.log('secure: no certutil here (apt-get install libnss3-tools): skipped')
  process.exit(0)
}

/** Puts the authority among those that a browser with this home trusts. */
function trust(home, authority) {
  const store = `sql:${join(home, '.pki', 'nssdb')}`
  mkdirSync(join(home, '.pki', 'nssdb'), { recursive: true })
  execFileSync(certutil, ['-d', store, '-N', '--empty-password'])
  execFileSync(certutil, ['-d', store, '-A', '-t', 'C,,', '-n', 'rille', '-i', authority])
}

async function isRefused(url, home) {
  return withBrowser(async (browser) => {
    const page = await browser.newPage()
    const error = await page.goto(url).then(() => 'it was loaded', String)
    expect('a browser that does not know the authority', error, 'ERR_CERT_AUTHORITY_INVALID')
  }, home)
}

async function loads(url, browser) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(10000)
  await page.goto(url)
  const protocols = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map((entry) => `${entry.nextHopProtocol} ${entry.name}`))
  if (protocols.length < 2) throw new Error(`a page and its style were expected: ${protocols}`)
  for (const one of protocols) expect('the protocol', one, 'h2 https://localhost:')
  expect('a secure page', String(await page.evaluate(() => isSecureContext)), 'true')

  await page.click('text=Register')
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('button')
  await page.fill('[name=login]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('main button')
  expect('after the login', await page.locator('body').innerText(), 'Hello, ada.')
  const cookies = await context.cookies()
  if (!cookies.some((cookie) => cookie.secure && cookie.httpOnly && cookie.name.startsWith('__Host-')))
    throw new Error(`no cookie for https only: ${JSON.stringify(cookies)}`)
  await screenshot(page, 'secure-blog')
}

await withServer(() => ['dev', 'app', '--https'],
  (folder) => ({ XDG_DATA_HOME: join(folder, 'data'), DATABASE: join(folder, 'blog.db'), SECRET: 'a secret of the browser test, 32 bytes or more' }),
  async ({ url, folder }) => {
    const home = join(folder, 'home'), stranger = join(folder, 'stranger'), at = url.replace('127.0.0.1', 'localhost')
    trust(home, join(folder, 'data', 'rille', 'authority.pem'))
    mkdirSync(stranger)
    await isRefused(at, stranger)
    await withBrowser((browser) => loads(at, browser), home)
  })
console.log('secure: all as expected')
