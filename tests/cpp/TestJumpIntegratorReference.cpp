#include "TestJumpIntegrator.h"

int main() {
    return runTests([] { testJumpIntegrator("Reference"); });
}
