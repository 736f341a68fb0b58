// What browser tests share: a headless Chromium, a server of ours on a free port, checks that say what they saw, and
// screenshots under build/screenshots.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const shots = join(root, 'build/screenshots')

const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

/** Runs `test(browser)` in a browser that is closed whatever happens. `home`: the folder that is its home, else the user's. */
export async function withBrowser(test, home = process.env.HOME) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? found, args: ['--no-sandbox'], env: { ...process.env, HOME: home },
  })
  try {
    return await test(browser)
  } finally {
    await browser.close()
  }
}

/** Runs `test({url, folder})` beside `rille ...args` in a folder of its own; ends the server and removes the folder. */
export async function withServer(args, environment, test) {
  const folder = mkdtempSync(join(tmpdir(), 'rille-browser-'))
  const server = spawn(join(root, 'build/rille'), [...args(folder), '--port', '0'], {
    cwd: root, env: { ...process.env, ...environment(folder) }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  const ended = new Promise((done) => server.once('exit', done))
  const listening = new Promise((done, fail) => {
    const read = (bytes) => {
      log += bytes
      const at = log.match(/(https?:\/\/127\.0\.0\.1:\d+)/) // `serve` logs it, `dev` says it to people
      if (at) done(at[1])
    }
    server.stdout.on('data', read)
    server.stderr.on('data', read)
    ended.then(() => fail(new Error(`the server ended:\n${log}`)))
  })
  try {
    return await test({ url: await listening, folder, log: () => log })
  } finally {
    server.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A picture of what the page looks like now, of all of it or of what a screen shows, kept as build/screenshots/NAME.png. */
export async function screenshot(page, name, fullPage = true) {
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage })
}

/** Pictures of the page as wide as a desk and as a phone, light and dark: build/screenshots/NAME-390-dark.png. It must be styled
 *  and fit the width. */
export async function pictures(page, name) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 })
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      await screenshot(page, `${name}-${width}-${colorScheme}`)
    }
    const [wide, font] = await page.evaluate(() => [document.documentElement.scrollWidth, getComputedStyle(document.body).fontFamily])
    if (wide > width) throw new Error(`${name}: ${wide} pixels wide on a screen of ${width}`)
    if (!font.includes('system-ui')) throw new Error(`${name}: it has no style`)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light' })
}

/** Throws unless `text` holds `wanted`. */
export function expect(what, text, wanted) {
  if (!text.includes(wanted)) throw new Error(`${what}: expected '${wanted}' in:\n${text}`)
}

export function expectNot(what, text, unwanted) {
  if (text.includes(unwanted)) throw new Error(`${what}: did not expect '${unwanted}' in:\n${text}`)
}
