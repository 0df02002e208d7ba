"""A device that learns: what it has learned, what it learns by, and its state to go on from."""

from dataclasses import replace

from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core
from spikeloom_sim.checkpoint import Checkpoint
from spikeloom_sim.layer import lateness
from spikeloom_sim.learning import LearningState
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.run_state import RunState

from ..errors import LinkError
from .cells import read_cells, write_cells
from .clocks import read_age, read_winners, write_age, write_time, write_winners
from .learned import (
    check_network,
    learned_cells,
    learned_network,
    learning_cells,
    learning_states,
    read_enabled,
)
from .loaded_device import LoadedDevice
from .memories import Progress
from .rules import check_ranges, check_rules, write_rules
from .run_states import check_fits, neuron_states, pending_input, state_cells, state_contents

__all__ = ["LearningDevice"]


class LearningDevice(LoadedDevice):
    """A device whose learning is switched, steered, read and written by the host.

    What takes ``progress`` calls it with the words of the link that were moved, and those in all.
    """

    def learned(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> QuantisedNetwork:
        """Read back what the device has learned.

        Parameters
        ----------
        network : QuantisedNetwork
            The network that the program was compiled from.
        progress : callable or None
            See the class.

        Returns
        -------
        QuantisedNetwork
            The same with the weights of the device where projections learn, with the thresholds
            and decays where those do, and with the projections switched on or off as they are.

        Raises
        ------
        ValueError
            If the program was compiled from another network.
        """
        check_network(self.program, network)
        read = read_cells(self._memories, learned_cells(self.program, network), progress)
        return learned_network(network, read, read_enabled(self._memories, self.program))

    def traces(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> dict[str, LearningState]:
        """Read the traces and eligibilities of all projections that learn.

        Parameters
        ----------
        network : QuantisedNetwork
            The network that the program was compiled from.
        progress : callable or None
            See the class.

        Returns
        -------
        dict of str to LearningState
            By label of the projection, as in ``Golden.state.learning``.

        Raises
        ------
        ValueError
            If the program was compiled from another network.
        """
        check_network(self.program, network)
        read = read_cells(self._memories, learning_cells(self.program, network), progress)
        return learning_states(network, read)

    def checkpoint(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> Checkpoint:
        """Read all that the next step depends on: what was learned, and the state.

        Parameters
        ----------
        network : QuantisedNetwork
            The network that the program was compiled from, with the rules that the device follows.
        progress : callable or None
            See the class.

        Returns
        -------
        Checkpoint
            As ``Golden.checkpoint`` has it; what the hardware has no use for is 0.

        Raises
        ------
        ValueError
            If the program was compiled from another network.
        LinkError
            If the device is not at the step at which it should be.
        """
        check_network(self.program, network)
        program, memories = self.program, self._memories
        done = memories.read_steps()
        if done != self.steps % (1 << 32):
            raise LinkError(
                f"The device is at step {done}, not at {self.steps}: something was lost on the "
                f"way; reset it, or restore a checkpoint"
            )
        late = lateness(network.projections, network.phases)
        wanted = {
            **learned_cells(program, network),
            **learning_cells(program, network),
            **state_cells(program, late, self.time),
        }
        read = read_cells(memories, wanted, progress)
        state = RunState(
            neuron_states(program, read, read_winners(memories, program)),
            pending_input(program, read, late),
            self.time,
            learning_states(network, read),
            read_age(memories) if program.plastic else self.time,
            network.fingerprint,
        )
        return Checkpoint(learned_network(network, read, read_enabled(memories, program)), state)

    def restore(self, state: RunState, *, progress: Progress | None = None) -> None:
        """Bring the device into a state, from which it goes on as if there had been no break.

        Weights and rules are those of the program: load the one of the network that was saved
        with the state before.

        Parameters
        ----------
        state : RunState
            State that a device or the golden model was in.
        progress : callable or None
            See the class.

        Raises
        ------
        ValueError
            If it is the state of another network, or of several samples.
        """
        check_fits(self.program, state)
        self.reset()
        self._cut = True
        write_cells(self._memories, state_contents(self.program, state), progress)
        write_winners(self._memories, self.program, state)
        write_age(self._memories, self.program, state.age)
        write_time(self._memories, self.program, state.time)
        self._session.flush()
        self._earlier = state.time
        self._cut = False

    def set_rules(self, program: Program) -> None:
        """Let the device learn by the rules of another program, from the next step on.

        Weights, traces and the rest of the state stay as they are.

        Parameters
        ----------
        program : Program
            The network on the device, compiled for this hardware with other rules.

        Raises
        ------
        ValueError
            If the program differs in more than its rules, or has a range of weights without some
            that were learned.
        """
        check_rules(self.program, program)
        check_ranges(self._memories, self.program, program)
        write_rules(self._memories, program)
        images = self.program.images | {n: program.images[n] for n in ("rules", "projections")}
        self.program = replace(self.program, images=images, projections=program.projections)
        write_age(self._memories, self.program, read_age(self._memories))
        self._session.flush()

    def switch_learning(self, source: str, target: str, on: bool, number: int = 0) -> None:
        """Switch the learning of a projection on or off; its traces stand still while it is off.

        Parameters
        ----------
        source, target : str
            Populations that it joins.
        on : bool
            Whether it learns.
        number : int
            Which one, in order of declaration, if several join the same two.

        Raises
        ------
        ValueError
            If there is no such projection, or it has no rule.
        """
        projection = self._projection(source, target, number)
        if projection.turn is None:
            raise ValueError(
                f"The projection from {source!r} to {target!r} has no rule to learn by"
            )
        for part in projection.parts:
            for name, row, field in (
                ("rules", part.entry, "enabled"),
                ("projections", part.number, "plastic"),
            ):
                self._memories.change_row(on_core(name, part.core), row or 0, {field: int(on)})
        self._session.flush()
