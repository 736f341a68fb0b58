// As client.lua, with undici: URL REQUESTS
import { createRequire } from "node:module";
const { Pool } = createRequire(process.cwd() + "/")("undici");
const [url, requests] = [new URL(process.argv[2]), Number(process.argv[3])];
const pool = new Pool(url.origin, { connections: 64 });

async function getAll(count) {
  let left = count;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (left-- > 0) {
      const { body } = await pool.request({ path: url.pathname, method: "GET" });
      if ((await body.text()).length === 0) throw new Error("empty");
    }
  }));
}

await getAll(2000);
const before = process.cpuUsage();
await getAll(requests);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / requests);
await pool.close();
