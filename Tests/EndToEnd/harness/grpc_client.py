"""A proxyless gRPC client in a process of its own: calls a target and says who answered.

    python grpc_client.py TARGET CALLS < commands

Each line of the input asks for one round of calls; each round prints one line of JSON.
"""

import json
import sys
from collections import Counter

import grpc


def main():
    target, calls = sys.argv[1], int(sys.argv[2])
    with grpc.insecure_channel(target) as channel:
        call = channel.unary_unary("/echo.Echo/Name")
        for _ in sys.stdin:
            counts = Counter()
            for _ in range(calls):
                try:
                    counts[call(b"", timeout=10, wait_for_ready=True).decode()] += 1
                except grpc.RpcError as error:
                    counts[f"{error.code().name}: {error.details()}"] += 1
            print(json.dumps(counts), flush=True)


main()
