// What script/bench asks of node:http without a framework.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { BENCH_DATA: data, PORT: port } = process.env
const items = JSON.parse(readFileSync(`${data}/items.json`, 'utf8'))

function send (response, type, text) {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

async function text (request) {
  request.setEncoding('utf8')
  let all = ''
  for await (const chunk of request) all += chunk
  return all
}

const routes = {
  'GET /': (request, response) => send(response, 'text/plain; charset=utf-8', 'hello'),
  'GET /json': (request, response) => send(response, 'application/json', JSON.stringify({
    items: items.map((item) => ({ ...item, total: item.price * item.quantity })),
    count: items.length
  })),
  'POST /orders': async (request, response) => {
    const { name, category, price, quantity, tags } = JSON.parse(await text(request))
    if (typeof name !== 'string' || typeof category !== 'string' || !Number.isInteger(price) || !Number.isInteger(quantity) ||
        !Array.isArray(tags)) {
      response.writeHead(422).end()
      return
    }
    send(response, 'application/json', JSON.stringify({ name, category, price, quantity, tags, total: price * quantity }))
  },
  'POST /upload': async (request, response) => {
    let size = 0
    for await (const chunk of request) size += chunk.length
    send(response, 'text/plain; charset=utf-8', String(size))
  }
}

createServer(async (request, response) => {
  const route = routes[`${request.method} ${request.url}`]
  try {
    if (route) await route(request, response)
    else response.writeHead(404).end()
  } catch {
    response.destroy() // the client has gone, or sent no JSON
  }
}).listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 })
