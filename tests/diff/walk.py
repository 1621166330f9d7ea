# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The random walk: a few sessions at a time, each of a random kind, a random one goes on."""
import random

import odd
import talk
from session import Session

KINDS = [(talk.udp, 14), (talk.tcp, 14), (talk.udp_peers, 4), (talk.collision, 4), (talk.udp_stranger, 3),
         (talk.udp_zero, 2), (talk.tcp_stranger, 2), (talk.mapping_to_mapping, 2), (talk.query, 6),
         (talk.errors_about_nothing, 3), (talk.fragments, 6), (odd.switched, 4), (odd.spoofed, 4),
         (odd.arp, 4), (odd.to_host, 5), (odd.to_private, 3), (odd.to_broadcast, 2), (odd.martians, 5),
         (odd.protocols, 3), (odd.icmp_kinds, 3), (odd.too_big, 2), (odd.cut_short, 2), (odd.land, 1)]
AT_A_TIME = 12


def walk(seed):
    """(session, group) for ever."""
    rng = random.Random(seed)
    kinds, weights = zip(*KINDS)
    number, open_ = 0, []
    while True:
        while len(open_) < AT_A_TIME:
            number += 1
            s = Session(seed, number)
            open_.append((number, s.rng.choices(kinds, weights)[0](s)))
        one = rng.randrange(AT_A_TIME)
        session, groups = open_[one]
        group = next(groups, None)
        if group is None:
            del open_[one]
        else:
            yield session, group
