"""As client.lua, with aiohttp: URL REQUESTS"""
import asyncio
import sys
import time

import aiohttp


async def get_all(session, url, count):
    left = count

    async def worker():
        nonlocal left
        while left > 0:
            left -= 1
            async with session.get(url) as response:
                assert await response.text()
    await asyncio.gather(*(worker() for _ in range(64)))


async def main(url, requests):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        await get_all(session, url, 2000)
        start = time.process_time()
        await get_all(session, url, requests)
        print((time.process_time() - start) / requests * 1e6)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
