"""Training again in double, by the oracle's gradients, and what holding a part of a unit still does
to it. What the program's replay says of causes is measured by this; no code is shared."""

from dataclasses import dataclass

import numpy

import oracle
import truth

LAST = 32  # steps before a death that are done again
NEAR = 8  # steps: the same death
CLEAR = 0.25  # of the fall: by how much the leading part leads where the truth is clear
PARTS = ("bias", "weights", "below")
ROLES = ("weight", "bias")


@dataclass
class Descent:
    """Of `undying train --no-shuffle --clip-norm`: gradient descent with momentum."""

    rate: float
    momentum: float
    batch: int
    clip: float

    def arguments(self):
        return ["--lr", repr(self.rate), "--momentum", str(self.momentum), "--batch", str(self.batch),
                "--clip-norm", str(self.clip)]  # fmt: skip

    def rows(self, step, n):
        each = -(-n // self.batch)
        first = (step - 1) % each * self.batch
        return slice(first, min(n, first + self.batch))

    def step(self, ops, gradients, velocity, still):
        """`still`: (name, role) -> the rows that do not move, a slice or a number; nor do they by
        what they had of momentum."""
        for key, rows in still.items():
            gradients[key][rows] = 0.0
        norm = numpy.sqrt(sum((each**2).sum() for each in gradients.values()))
        share = min(1.0, self.clip / norm) if norm > 0 else 1.0
        for op in ops:
            for role in ROLES:
                key = (op.name, role)
                velocity[key] = self.momentum * velocity.get(key, 0.0) + share * gradients[key]
                move = self.rate * velocity[key]
                if key in still:
                    move[still[key]] = 0.0
                setattr(op, role, getattr(op, role) - move)


@dataclass
class State:
    values: dict
    velocity: dict


class Run:
    """All of it, step by step."""

    def __init__(self, network, data, descent, frozen, steps):
        self.network, self.data, self.descent = network.copy(), data, descent
        self.x, self.y = data.part()
        self.x = self.x.astype(float)
        self.still = {tuple(name.rsplit(".", 1)): slice(None) for name in frozen}
        for op in self.network.weighted():
            op.weight, op.bias = op.weight.astype(float), op.bias.astype(float)
        self.losses, self.states, self.seen = [], [self.state({})], {}
        velocity = {}
        for step in range(1, steps + 1):
            self.losses.append(self.advance(step, velocity, self.still))
            self.states.append(self.state(velocity))

    def state(self, velocity):
        values = {(op.name, role): getattr(op, role) for op in self.network.weighted()
                  for role in ROLES}  # fmt: skip
        return State(values, dict(velocity))

    def restore(self, state):
        for op in self.network.weighted():
            for role in ROLES:
                setattr(op, role, state.values[op.name, role])
        return dict(state.velocity)

    def advance(self, step, velocity, still):
        rows = self.descent.rows(step, len(self.x))
        found = oracle.look(self.network, self.x[rows], self.y[rows], self.data.classes)
        gradients = {}
        for op in self.network.weighted():
            gradients[op.name, "weight"] = found.gradients[op.name].reshape(op.weight.shape)
            gradients[op.name, "bias"] = found.biases[op.name]
        self.descent.step(self.network.weighted(), gradients, velocity, still)
        return found.loss

    def tops(self, step):
        """After the step: the largest z of each layer's units over the training part."""
        if step not in self.seen:
            self.restore(self.states[step])
            self.seen[step] = self.look()
        return self.seen[step]

    def look(self):
        run = oracle.Run()
        run.forward(self.network.ops, self.x)
        kinds = [op for op in self.network.activations()]
        read = {id(op): x for op, x, _ in run.tape}
        return [truth.flat(read[id(op)]).max(1) for op in kinds]

    def death(self, layer, unit, near):
        """The step nearest to this one after which it fires on nothing, where it fired before; None:
        there is none within NEAR."""

        def silent(step):
            return self.tops(step)[layer][unit] <= 0

        for apart in range(NEAR + 1):
            for step in (near - apart, near + apart):
                if 1 <= step < len(self.states) and silent(step) and not silent(step - 1):
                    return step
        return None

    def parts(self, layer, unit):
        """Part -> what of the network it is, as `Descent.step` takes it."""
        own = self.network.before(self.network.activations()[layer])
        names = [op.name for op in self.network.weighted()]
        below = {(name, role): slice(None) for name in names[: names.index(own.name)]
                 for role in ROLES}  # fmt: skip
        return {"bias": {(own.name, "bias"): unit}, "weights": {(own.name, "weight"): unit},
                "below": below}  # fmt: skip

    def again(self, start, end, held, layer, unit):
        """The unit's largest z at `end`, these parts held still from `start` on."""
        velocity = self.restore(self.states[start])
        still = dict(self.still)
        for part in held:
            for key, rows in part.items():
                still.setdefault(key, rows)
        for step in range(start + 1, end + 1):
            self.advance(step, velocity, still)
        return float(self.look()[layer][unit])

    def cause(self, layer, unit, death):
        """The part whose standing still spares the unit the most, and which by itself does the most;
        None where these are two, or another part is near. Beside it the shares of the fall, both."""
        start = max(0, death - LAST)
        parts = self.parts(layer, unit)
        before, after = self.tops(start)[layer][unit], self.tops(death)[layer][unit]
        fall = before - after
        if not fall > 0:
            return None, {}
        others = {name: [part for other, part in parts.items() if other != name] for name in parts}
        spared = {name: (self.again(start, death, [part], layer, unit) - after) / fall
                  for name, part in parts.items()}  # fmt: skip
        alone = {name: (before - self.again(start, death, others[name], layer, unit)) / fall
                 for name in parts}  # fmt: skip
        leaders = {leader(spared), leader(alone)}
        return (leaders.pop() if len(leaders) == 1 else None), {"spared": spared, "alone": alone}


def leader(shares):
    first, second = sorted(shares, key=shares.get)[-1:-3:-1]
    clear = numpy.isfinite(list(shares.values())).all() and shares[first] - shares[second] > CLEAR
    return first if clear else None
