row = sql("SELECT * FROM traces")[3]
width = 12
print(f"{row['model']:<{width}}|{row['duration_ms']:>10.2f}|{row['input_tokens']:,}|{0.1234:.1%}|{255:#x}|{row['outcome']!r}")
print(f"{'x' * 3:^9}|{-5:+d}|{3:03d}|{1e6:.3e}|{width = }")
