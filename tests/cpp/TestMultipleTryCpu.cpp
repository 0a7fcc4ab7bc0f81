#include "TestMultipleTry.h"

int main() {
    return runTests([] {
        Platform::loadPluginsFromDirectory(getenv("OPENMM_PLUGIN_DIR"));
        testMultipleTry("CPU");
    });
}
