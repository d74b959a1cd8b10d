"""The tests. None depends on the date: jsii's warning about a Node that has reached its end of life is turned off.

Here, because what is put into the environment after jsii has started does not reach it.
"""

import os

os.environ.update(JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION="1", JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="22,24")
