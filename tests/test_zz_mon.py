import asyncio, threading, collections, json, re, os, signal
from tests.test_compose import *
from tests.test_compose import start_in_order
async def test_monitor(composed):
    seen = collections.defaultdict(set); users={}
    adm = composed.redis()
    def mon():
        with composed.redis() as c, c.monitor() as m:
            for cmd in m.listen():
                w=cmd["command"].split()
                addr=f'{cmd["client_address"]}:{cmd["client_port"]}'
                if cmd["client_type"]=="lua": addr="lua"
                if addr not in users and addr!="lua":
                    try:
                        for cl in adm.client_list(): users[cl["addr"]]=cl["user"]
                    except Exception as e: pass
                seen[(users.get(addr,addr if addr=="lua" else "?"), w[0].upper()+("|"+w[1].upper() if w[0].upper() in("CLIENT","SCRIPT","CONFIG","PUBSUB","OBJECT") else ""))].add(re.sub(r"[0-9a-f]{32}","HEX"," ".join(w[1:3]))[:70])
    threading.Thread(target=mon,daemon=True).start()
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "echo", step_ms=20)
        await hear(http, chat(max_completion_tokens=8))
        # hang up mid stream
        async with streaming(http, chat(max_completion_tokens=600)) as (last, lines):
            async for line in lines:
                if last.take(line): break
        await asyncio.sleep(12)
        await hear(http, chat(max_completion_tokens=8))
    print(composed.stop("gateway","steward","worker-cpu"))
    for k in sorted(seen): print(k, sorted(seen[k])[:6])
    print(composed.redis().acl_log())
