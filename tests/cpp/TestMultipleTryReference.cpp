#include "TestMultipleTry.h"

int main() {
    return runTests([] { testMultipleTry("Reference"); });
}
