import asyncio
async def one(n):
    await asyncio.sleep(0)
    return n * n
async def main():
    return await asyncio.gather(*(one(n) for n in range(4)))
print(asyncio.run(main()))
