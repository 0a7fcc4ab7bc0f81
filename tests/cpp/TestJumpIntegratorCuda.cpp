#include "DevicePlatform.h"
#include "TestJumpIntegrator.h"

int main() {
    return runDeviceTests("CUDA", [](const string& precision) {
        Thoroughness thoroughness;
        thoroughness.samples = 1000;
        thoroughness.testsRecords = false;
        if (precision == "single")
            thoroughness.forceTolerance = 4; // velocities in nm/ps hold seven digits
        testJumpIntegrator("CUDA", thoroughness);
    });
}
