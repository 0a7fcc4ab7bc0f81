#include "TestJumpKernel.h"
#include <stdlib.h>

int main() {
    return runTests([] {
        Platform::loadPluginsFromDirectory(getenv("OPENMM_PLUGIN_DIR"));
        testJumpKernel("CPU", "single");
    });
}
