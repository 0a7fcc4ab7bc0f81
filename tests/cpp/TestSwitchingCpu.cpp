#include "TestSwitching.h"

int main() {
    return runTests([] {
        Platform::loadPluginsFromDirectory(getenv("OPENMM_PLUGIN_DIR"));
        testSwitching("CPU", "single");
    });
}
