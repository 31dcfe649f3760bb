import asyncio, psycopg
async def test_x(database, database_url):
    async def one():
        async with database.read() as r:
            await r.value("select pg_sleep(0.05)")
    await asyncio.gather(*(one() for _ in range(8)))
    with psycopg.connect(database_url, autocommit=True) as c:
        n=len(c.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name='comptoir'").fetchall())
    await asyncio.sleep(.2)
    assert n>3
    for _ in range(20):
        async with database.read() as r:
            assert await r.value("select 1")==1
