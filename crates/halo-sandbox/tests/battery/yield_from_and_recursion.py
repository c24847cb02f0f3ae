tree = {"name": "root", "children": [{"name": "llm", "children": []}, {"name": "tool", "children": [{"name": "http", "children": []}]}]}
def walk(node, depth=0):
    yield "  " * depth + node["name"]
    for child in node["children"]:
        yield from walk(child, depth + 1)
print("\n".join(walk(tree)))
def depth(node):
    return 1 + max(map(depth, node["children"]), default=0)
depth(tree)
