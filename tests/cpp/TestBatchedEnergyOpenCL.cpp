#include "DevicePlatform.h"
#include "TestBatchedEnergyDevice.h"

int main() {
    return runDeviceTests("OpenCL", [](const string& precision) {
        if (precision == "single") // the default, which these energies do not heed
            testBatchedEnergyDevice("OpenCL");
    });
}
