#!/usr/bin/env python3
"""The blog's API as aiohttp's tutorial has it, in memory, for the client's specs.

    aiohttp_blog.py FILE     listens on 127.0.0.1, writes its URL to FILE, serves until its standard input ends
"""
import asyncio
import os
import sys

from aiohttp import web

posts, routes = {}, web.RouteTableDef()


def refuse(kind, reason):
    return kind(text='{"status": "failed", "reason": "%s"}' % reason, content_type="application/json")


def find(request):
    number = int(request.match_info["post"])
    if number not in posts:
        raise refuse(web.HTTPNotFound, "there is no post %d" % number)
    return posts[number]


def done(post):
    return web.json_response({"status": "ok", "data": post})


@routes.get("/api")
async def list_posts(request):
    return done([{name: post[name] for name in ("id", "owner", "editor", "title")} for post in posts.values()])


@routes.post("/api")
async def new_post(request):
    sent = await request.json()
    number = len(posts) + 1
    posts[number] = {"id": number, "owner": sent["owner"], "editor": sent["owner"],
                     "title": sent["title"], "text": sent["text"]}
    return done(posts[number])


@routes.get(r"/api/{post:\d+}")
async def get_post(request):
    return done(find(request))


@routes.patch(r"/api/{post:\d+}")
async def update_post(request):
    post, sent = find(request), await request.json()
    post.update({name: sent[name] for name in ("title", "text", "editor") if name in sent})
    return done(post)


@routes.delete(r"/api/{post:\d+}")
async def delete_post(request):
    number = find(request)["id"]
    del posts[number]
    return web.json_response({"status": "ok", "id": number})


async def main(path):
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    with open(path + ".new", "w") as file:
        file.write("http://127.0.0.1:%d" % runner.addresses[0][1])
    os.rename(path + ".new", path)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main(sys.argv[1]))
