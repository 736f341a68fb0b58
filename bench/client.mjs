// As client.lua, with undici: URL REQUESTS WAY     WAY: fetch and request, its public functions; pool: a Pool's own request
import { createRequire } from "node:module";
const { Agent, Pool, fetch, request, setGlobalDispatcher } = createRequire(process.cwd() + "/")("undici");
const [url, requests] = [new URL(process.argv[2]), Number(process.argv[3])];
const pool = new Pool(url.origin, { connections: 64 });
setGlobalDispatcher(new Agent({ connections: 64 }));

const get = {
  fetch: async () => (await fetch(url.href)).text(),
  request: async () => (await request(url.href)).body.text(),
  pool: async () => (await pool.request({ path: url.pathname, method: "GET" })).body.text(),
}[process.argv[4]];

async function getAll(count) {
  let left = count;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (left-- > 0) if ((await get()).length === 0) throw new Error("empty");
  }));
}

await getAll(2000);
const before = process.cpuUsage();
await getAll(requests);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / requests);
process.exit(0);
