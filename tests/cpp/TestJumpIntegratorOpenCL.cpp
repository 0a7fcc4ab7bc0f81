#include "DevicePlatform.h"
#include "TestJumpIntegrator.h"

int main() {
    return runDeviceTests("OpenCL", [](const string& precision) {
        Thoroughness thoroughness;
        thoroughness.samples = 1000;
        thoroughness.testsRecords = false;
        if (precision == "single")
            thoroughness.forceTolerance = 4; // velocities in nm/ps hold seven digits
        testJumpIntegrator("OpenCL", thoroughness);
    });
}
