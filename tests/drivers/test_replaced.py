import pytest

from dirac_failover import FailoverRequest
from dirac_failover.drivers.replaced import replaced


@pytest.mark.parametrize("own", [True, False])
def test_attributes_are_replaced_for_a_block(own):
    """An attribute of the object gets its value back; a method of the class appears again, also after an error."""
    module = FailoverRequest()
    if own:
        module.finalize = "mine"

    def failing():
        with replaced(module, finalize="replaced", jobID=5):
            assert (module.finalize, module.jobID) == ("replaced", 5)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert ("finalize" in vars(module), module.jobID) == (own, 0)
