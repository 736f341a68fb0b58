"""What script/bench asks of aiohttp with aiosqlite, jinja2 and aiohttp_session."""
import asyncio
import json
import os

import aiohttp
import aiohttp_jinja2
import aiohttp_session
import aiosqlite
import jinja2
from aiohttp import web
from aiohttp_session.cookie_storage import EncryptedCookieStorage

DATA, BACKEND = os.environ["BENCH_DATA"], os.environ["BENCH_BACKEND"]
with open(os.path.join(DATA, "items.json"), encoding="utf-8") as file:
    ITEMS = json.load(file)
routes = web.RouteTableDef()


@routes.get("/")
async def hello(_):
    return web.Response(text="hello")


@routes.get("/json")
async def many(_):
    return web.json_response({"items": [{**item, "total": item["price"] * item["quantity"]} for item in ITEMS],
                              "count": len(ITEMS)})


def is_order(value):
    return (isinstance(value, dict) and isinstance(value.get("name"), str) and 1 <= len(value["name"]) <= 100
            and isinstance(value.get("category"), str) and len(value["category"]) <= 40
            and isinstance(value.get("price"), int) and value["price"] >= 0
            and isinstance(value.get("quantity"), int) and 1 <= value["quantity"] <= 1000
            and isinstance(value.get("tags"), list) and all(isinstance(tag, str) for tag in value["tags"]))


@routes.post("/orders")
async def orders(request):
    order = await request.json()
    if not is_order(order):
        raise web.HTTPUnprocessableEntity()
    names = "name", "category", "price", "quantity", "tags"
    return web.json_response({**{name: order[name] for name in names}, "total": order["price"] * order["quantity"]})


@routes.get("/page")
@aiohttp_jinja2.template("page.html")
async def page(_):
    return {"items": ITEMS[:12]}


@routes.get(r"/items/{id:\d+}")
async def item(request):
    sql = "SELECT id, name, category, price, quantity FROM items WHERE id = ?"
    async with request.app["db"].execute(sql, (int(request.match_info["id"]),)) as cursor:
        row = await cursor.fetchone()
    if row is None:
        raise web.HTTPNotFound()
    return web.json_response(dict(row))


@routes.get(r"/rows/{after:\d+}")
async def rows(request):
    sql = "SELECT id, name, price FROM items WHERE id > ? ORDER BY id LIMIT 20"
    found = await request.app["db"].execute_fetchall(sql, (int(request.match_info["after"]),))
    return web.json_response([dict(row) for row in found])


@routes.post("/notes")
async def notes(request):
    text = await request.text()
    async with request.app["lock"]:
        cursor = await request.app["writer"].execute("INSERT INTO notes (text) VALUES (?)", (text,))
        await request.app["writer"].commit()
    return web.json_response({"id": cursor.lastrowid}, status=201)


@routes.post(r"/transfers/{source:\d+}/{target:\d+}")
async def transfers(request):
    source, target = int(request.match_info["source"]), int(request.match_info["target"])
    writer = request.app["writer"]
    async with request.app["lock"]:
        try:
            (row,) = await writer.execute_fetchall("SELECT balance FROM accounts WHERE id = ?", (source,))
            if row[0] < 1:
                raise web.HTTPConflict()
            await writer.execute("UPDATE accounts SET balance = balance - 1 WHERE id = ?", (source,))
            await writer.execute("UPDATE accounts SET balance = balance + 1 WHERE id = ?", (target,))
            await writer.execute("INSERT INTO transfers (source, target, amount) VALUES (?, ?, 1)", (source, target))
            await writer.execute_fetchall("SELECT balance FROM accounts WHERE id = ?", (target,))
            await writer.commit()
        except BaseException:
            await writer.rollback()
            raise
    return web.json_response({"ok": True})


@routes.get("/scan")
async def scan(request):
    (row,) = await request.app["db"].execute_fetchall(
        "SELECT sum(a.price * b.quantity) AS sum FROM items a, items b WHERE a.id <= 300")
    return web.json_response(dict(row))


@routes.post("/upload")
async def upload(request):
    size = 0
    async for chunk in request.content.iter_chunked(65536):
        size += len(chunk)
    return web.Response(text=str(size))


async def text_of(session):
    async with session.get(f"http://127.0.0.1:{BACKEND}/") as answer:
        return await answer.text()


@routes.get("/fanout")
async def fanout(request):
    texts = await asyncio.gather(*(text_of(request.app["session"]) for _ in range(5)))
    return web.Response(text=str(len("".join(texts))))


@routes.post("/login")
async def login(request):
    session = await aiohttp_session.get_session(request)
    session["user"] = "ada"
    return web.Response()


@routes.get("/session")
async def user(request):
    session = await aiohttp_session.get_session(request)
    return web.Response(text=session["user"])


routes.static("/files", os.path.join(DATA, "files"))


async def number(request):
    return web.Response(text=str(int(request.match_info["id"])))


async def opened(application):
    async def connect():
        db = await aiosqlite.connect(os.path.join(DATA, "bench.db"))
        db.row_factory = aiosqlite.Row
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        return db

    application["db"], application["writer"], application["lock"] = await connect(), await connect(), asyncio.Lock()
    application["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=512))
    yield
    await application["session"].close()
    await application["writer"].close()
    await application["db"].close()


def main():
    application = web.Application(client_max_size=32 * 1024 ** 2)
    aiohttp_session.setup(application, EncryptedCookieStorage(b"s" * 32))
    aiohttp_jinja2.setup(application, loader=jinja2.FileSystemLoader(os.path.join(os.path.dirname(__file__), "templates")),
                         trim_blocks=True, lstrip_blocks=True)
    application.cleanup_ctx.append(opened)
    application.add_routes(routes)
    for i in range(1, 201):
        application.router.add_get(rf"/section{i}/{{id:\d+}}/page{i}", number)
    web.run_app(application, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None, backlog=4096)


main()
