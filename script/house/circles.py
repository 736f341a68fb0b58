"""Circles in a graph: {node: {neighbour: place}}."""


def components(graph):
    """Sets of nodes that reach each other (Tarjan, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in graph:
                    continue
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = set()
                    while not members or other != node:
                        other = stack.pop()
                        on_stack.discard(other)
                        members.add(other)
                    found.append(members)
    return found


def shortest(graph, start, members):
    """The shortest way from `start` back to itself: [start, …, start], or None."""
    before, queue = {}, [start]
    for node in queue:
        for other in sorted(graph[node]):
            if other == start:
                way = [start]
                while node != start:
                    way.append(node)
                    node = before[node]
                return [start] + way[::-1]
            if other in members and other not in before:
                before[other] = node
                queue.append(other)
    return None


def circles(graph):
    """One shortest circle for each set of nodes that reach each other, and how many nodes that set has."""
    for members in components(graph):
        ways = [way for way in (shortest(graph, node, members) for node in sorted(members)) if way]
        if ways:
            yield min(ways, key=len), len(members)
