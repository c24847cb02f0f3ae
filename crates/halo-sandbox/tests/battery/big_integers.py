n = 2 ** 200 + 1
print(n, n % 97, n.bit_length(), len(str(3 ** 500)))
print((10 ** 30) // 7, divmod(-17, 5), pow(3, 1000, 10 ** 9 + 7), int("ff", 16), hex(2 ** 64))
