// What script/bench asks of Fastify with better-sqlite3, written as its documentation recommends: schemas for bodies (ajv) and
// answers (fast-json-stringify), prepared statements, no logging.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import secureSession from '@fastify/secure-session'
import staticFiles from '@fastify/static'
import view from '@fastify/view'
import Database from 'better-sqlite3'
import ejs from 'ejs'
import Fastify from 'fastify'
import { Pool } from 'undici'

const { BENCH_DATA: data, BENCH_BACKEND: backend, PORT: port } = process.env
const items = JSON.parse(readFileSync(path.join(data, 'items.json'), 'utf8'))
const app = Fastify({ logger: false, bodyLimit: 32 * 1024 ** 2 })

const db = new Database(path.join(data, 'bench.db'))
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
const statements = {
  item: db.prepare('SELECT id, name, category, price, quantity FROM items WHERE id = ?'),
  rows: db.prepare('SELECT id, name, price FROM items WHERE id > ? ORDER BY id LIMIT 20'),
  insert: db.prepare('INSERT INTO notes (text) VALUES (?)'),
  balance: db.prepare('SELECT balance FROM accounts WHERE id = ?').pluck(),
  take: db.prepare('UPDATE accounts SET balance = balance - 1 WHERE id = ?'),
  give: db.prepare('UPDATE accounts SET balance = balance + 1 WHERE id = ?'),
  record: db.prepare('INSERT INTO transfers (source, target, amount) VALUES (?, ?, 1)'),
  scan: db.prepare('SELECT sum(a.price * b.quantity) AS sum FROM items a, items b WHERE a.id <= 300')
}
const transfer = db.transaction((from, to) => {
  if (statements.balance.get(from) < 1) return false
  statements.take.run(from)
  statements.give.run(to)
  statements.record.run(from, to)
  statements.balance.get(to)
  return true
})

const string = { type: 'string' }
const integer = { type: 'integer' }
const object = (properties) => ({ type: 'object', properties })
const list = (items) => ({ type: 'array', items })
const answers = (schema) => ({ schema: { response: { 200: schema } } })
const id = { type: 'object', properties: { id: integer } }

const full = object({
  id: integer, name: string, category: string, price: integer, quantity: integer, active: { type: 'boolean' },
  tags: list(string), rating: object({ score: integer, count: integer }), total: integer
})
const order = {
  type: 'object',
  required: ['name', 'category', 'price', 'quantity', 'tags'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 100 },
    category: { type: 'string', maxLength: 40 },
    price: { type: 'integer', minimum: 0 },
    quantity: { type: 'integer', minimum: 1, maximum: 1000 },
    tags: { type: 'array', items: string, maxItems: 10 }
  }
}

app.register(staticFiles, { root: path.join(data, 'files'), prefix: '/files/' })
app.register(view, { engine: { ejs }, root: path.join(import.meta.dirname, 'views'), production: true })
app.addContentTypeParser('text/plain', { parseAs: 'string' }, (request, body, done) => done(null, body))
app.addContentTypeParser('application/octet-stream', (request, payload, done) => done(null, payload))

app.get('/', async (request, reply) => {
  reply.type('text/plain; charset=utf-8')
  return 'hello'
})

app.get('/json', answers(object({ items: list(full), count: integer })), async () => ({
  items: items.map((item) => ({ ...item, total: item.price * item.quantity })),
  count: items.length
}))

app.post('/orders', {
  schema: { body: order, response: { 200: object({ ...order.properties, total: integer }) } }
}, async (request) => ({ ...request.body, total: request.body.price * request.body.quantity }))

app.get('/page', (request, reply) => reply.view('page.ejs', { items: items.slice(0, 12) }))

app.get('/items/:id', {
  schema: {
    params: id,
    response: { 200: object({ id: integer, name: string, category: string, price: integer, quantity: integer }) }
  }
}, async (request, reply) => statements.item.get(request.params.id) ?? reply.callNotFound())

app.get('/rows/:after', {
  schema: {
    params: object({ after: integer }),
    response: { 200: list(object({ id: integer, name: string, price: integer })) }
  }
}, async (request) => statements.rows.all(request.params.after))

app.post('/notes', async (request, reply) => {
  reply.code(201)
  return { id: Number(statements.insert.run(request.body).lastInsertRowid) }
})

app.post('/transfers/:from/:to', {
  schema: { params: object({ from: integer, to: integer }) }
}, async (request, reply) => {
  if (!transfer(request.params.from, request.params.to)) return reply.code(409).send()
  return { ok: true }
})

app.get('/scan', async () => statements.scan.get())

app.post('/upload', async (request, reply) => {
  let size = 0
  for await (const chunk of request.body) size += chunk.length
  reply.type('text/plain; charset=utf-8')
  return String(size)
})

const pool = new Pool(`http://127.0.0.1:${backend}`, { connections: 512 })
app.get('/fanout', async (request, reply) => {
  const texts = await Promise.all(Array.from({ length: 5 }, async () => {
    const { body } = await pool.request({ method: 'GET', path: '/' })
    return body.text()
  }))
  reply.type('text/plain; charset=utf-8')
  return String(texts.join('').length)
})

app.register(async (signedIn) => {
  signedIn.register(secureSession, { key: Buffer.alloc(32, 's'), cookieName: 'session', cookie: { path: '/', httpOnly: true } })
  signedIn.post('/login', async (request) => {
    request.session.set('user', 'ada')
    return ''
  })
  signedIn.get('/session', async (request, reply) => {
    reply.type('text/plain; charset=utf-8')
    return request.session.get('user')
  })
})

for (let i = 1; i <= 200; i++) {
  app.get(`/section${i}/:id/page${i}`, { schema: { params: id } }, async (request, reply) => {
    reply.type('text/plain; charset=utf-8')
    return String(request.params.id)
  })
}

await app.listen({ host: '127.0.0.1', port: Number(port) })
