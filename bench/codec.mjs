// What bench/codec.lua measures, of node's JSON.   FILE TIMES
import { readFileSync } from 'node:fs'

const [path, times] = process.argv.slice(2)
const numbers = Array.from({ length: 1000 }, (_, i) => (i + 1) % 3 === 0 ? (i + 1) * 1.25 : (i + 1) * 7919)
const values = { objects: JSON.parse(readFileSync(path, 'utf8')), small: { status: 'ok', id: 7 }, numbers }
const share = { objects: 1, small: 200, numbers: 1 }

function cpu (f, argument, count) {
  for (let i = 0; i < count / 10; i++) f(argument)
  const start = process.cpuUsage()
  for (let i = 0; i < count; i++) f(argument)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / count
}

const figures = {}
for (const [name, value] of Object.entries(values)) {
  const count = Number(times) * share[name]
  figures['encode_' + name] = cpu(JSON.stringify, value, count)
  figures['decode_' + name] = cpu(JSON.parse, JSON.stringify(value), count)
}
console.log(JSON.stringify({ 'node JSON': figures }))
