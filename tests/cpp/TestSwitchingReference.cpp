#include "TestSwitching.h"

int main() {
    return runTests([] { testSwitching("Reference", "double"); });
}
